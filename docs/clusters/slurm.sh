#!/bin/bash
# jaxnst train on two nodes of four GPUs each under SLURM. UNTRIED: written from SLURM's and JAX's documentation.
#
#   sbatch slurm.sh        in a folder that all nodes share; again to go on
#
# JAX reads from SLURM's variables who takes part, and gives each task the GPU of its number on the node: so there are
# as many tasks on a node as GPUs.
#SBATCH --job-name=jaxnst
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120      # two minutes before the end: all stop at one step, with a checkpoint

source .venv/bin/activate      # pip install '.[cuda]'
srun jaxnst train --config add_style --style painting.jpg --data photos/ --work run/ --batch 64 --coordinator auto
