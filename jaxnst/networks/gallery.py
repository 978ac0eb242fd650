"""A gallery: painting networks of one kind, a style each, whose weights can be blended.

The networks were fine-tuned from one start, so that averages of their weights paint, too (deep
network interpolation, Wang et al., 2019). A blend of styles is such an average; a style's strength
is how far its network is from the start's, which is set to return the photo.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from jaxnst import __version__
from jaxnst.errors import JaxnstError, check_choice, check_number, nearest
from jaxnst.io.files import PathLike, display_name
from jaxnst.networks.base import Params, average
from jaxnst.networks.kinds import Decoder, Network
from jaxnst.networks.model_file import SUFFIX, Model, describe_network, load_model
from jaxnst.networks.shipped import ASSETS, DEFAULT, SHIPPED

PHOTO = "photo"
"""The name that stands for the photo itself where styles are named."""

START = "start"
"""What the file is called from which the other networks of a gallery were fine-tuned."""

Weights = Mapping[str, float]


class Gallery:
    """Styles by name; a network is read from its file when it is first asked for."""

    def __init__(
        self, models: Mapping[str, Callable[[], Model]], start: Callable[[], Model] | None = None
    ) -> None:
        """Takes what loads each style's network, and what loads the one they were tuned from."""
        self._load, self._load_start = dict(models), start
        self._models: dict[str, Model] = {}

    @classmethod
    def of(cls, *models: Model, start: Model | None = None) -> "Gallery":
        """A gallery of models in memory."""
        loaders = {model.name: (lambda model=model: model) for model in models}
        return cls(loaders, None if start is None else lambda: start)

    @property
    def styles(self) -> list[str]:
        """The names of the styles."""
        return list(self._load)

    def model(self, style: str) -> Model:
        """The network of a style.

        Raises:
          JaxnstError: there is no such style, or its file is not what it should be.
        """
        check_choice("style", style, self.styles)
        if style not in self._models:
            model = self._load[style]()
            if not isinstance(model.network, Network):
                raise _styleless(style or "this network", model)
            self._models[style] = model
        return self._models[style]

    def with_file(self, path: PathLike) -> "Gallery":
        """This gallery and the style of a .safetensors file, under the name that its card gives.

        Raises:
          JaxnstError: the file is not a network that paints, it is of another kind than those of
            the gallery, or the name is taken.
        """
        model = load_model(path)
        if model.name in ("", *self._load):
            has = f"a style {model.name!r}, as the gallery has" if model.name else "no style"
            raise JaxnstError(f"{display_name(path)}: has {has}: give another file")
        if describe_network(model.network) != describe_network(self.network):
            raise JaxnstError(
                f"{display_name(path)}: is a network of another kind than those of the gallery: "
                f"give it by --model, without styles of the gallery"
            )
        return Gallery({**self._load, model.name: lambda: model}, self._load_start)

    @property
    def network(self) -> Network:
        """What all styles have in common."""
        network = self.model(self.styles[0]).network
        assert isinstance(network, Network)
        return network

    @cached_property
    def photo(self) -> Params | None:
        """The parameters at strength 0, with which the network returns the photo; None if it has
        no other strength than 1."""
        if self._load_start is None:
            return None
        return self.network.photo_params(self._load_start().params)

    @property
    def has_strengths(self) -> bool:
        """Whether a style can be painted at other strengths than 1."""
        return self.photo is not None

    def weights(self, style: str | Weights) -> dict[str, float]:
        """The share of each style in a blend, as `blend_shares`."""
        return blend_shares(style, self.styles)

    def params(self, style: str | Weights, strength: float = 1.0) -> Params:
        """The parameters that paint in a style or a blend of styles.

        Args:
          style: a name, or weights by name, which need not add up to 1.
          strength: from 0, the photo, to 1; up to 2 exaggerates.

        Raises:
          JaxnstError: there is no such style or strength, or the networks cannot be blended.
        """
        check_number("strength", strength, high=2)
        shares = self.weights(style)
        models = {name: self.model(name) for name in shares}
        self._check_alike(models)
        params = [model.params for model in models.values()]
        if strength == 1:
            return params[0] if len(params) == 1 else average(params, list(shares.values()))
        if self.photo is None:
            raise JaxnstError(f"{', '.join(models)}: has no strength but 1, not {strength:g}")
        parts = [1 - strength, *(strength * share for share in shares.values())]
        return average([self.photo, *params], parts)

    def blended(self, style: str | Weights, strength: float = 1.0) -> Model:
        """A network of its own that paints a style or a blend at some strength.

        Raises:
          JaxnstError: as `params`.
        """
        shares, params = self.weights(style), self.params(style, strength)
        parts = [f"{share:.0%} {name}" for name, share in shares.items()]
        title = f"{' + '.join(parts)}, strength {strength:g}"
        first = self.model(next(iter(shares)))
        card = {
            "jaxnst": __version__,
            "network": first.card["network"],
            "style": {"name": "_".join(shares), "title": title},
            "start": first.card.get("start", ""),
            "recipe": {name: self.model(name).card.get("sha256", "") for name in shares},
        }
        return Model(first.network, params, card)

    def _check_alike(self, models: Mapping[str, Model]) -> None:
        """Raises JaxnstError unless all networks are of one kind."""
        kinds = {name: describe_network(model.network) for name, model in models.items()}
        first, *others = kinds
        for other in others:
            if kinds[other] != kinds[first]:
                raise JaxnstError(
                    f"{first!r} and {other!r} are networks of different kinds, which cannot be "
                    f"blended: give styles of one gallery"
                )


def gallery_names() -> tuple[str, ...]:
    """The galleries that ship, the usual one first."""
    return tuple(dict.fromkeys([DEFAULT, *(n.split("/")[0] for n in SHIPPED if "/" in n)]))


def load_gallery(name_or_path: PathLike = DEFAULT) -> Gallery:
    """A gallery that ships, by name; one style from a .safetensors file; or a folder of such files.

    A network has strengths if the start that it was fine-tuned from ships, or lies beside it as
    start.safetensors.

    Raises:
      JaxnstError: there is no such gallery, or nothing in it that paints.
    """
    path, name = Path(name_or_path), display_name(name_or_path)
    if str(name_or_path) in gallery_names():
        return _folder_gallery(ASSETS / path, name)
    if path.suffix == SUFFIX:
        return _file_gallery(path)
    if path.is_dir():
        return _folder_gallery(path, name)
    known = gallery_names()
    raise JaxnstError(
        f"gallery {name!r} is unknown: {nearest(name, known)}, or give a {SUFFIX} file or a folder "
        f"of them"
    )


def _folder_gallery(folder: Path, name: str) -> Gallery:
    """The styles of a folder, in the order in which they ship or of their names."""
    files = {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}
    start = files.pop(START, None)
    if not files:
        raise JaxnstError(f"{name}: has no {SUFFIX} file of a style: give another folder")
    order = [key.split("/")[1] for key in SHIPPED if key.startswith(f"{folder.name}/")]
    names = sorted(files, key=lambda stem: order.index(stem) if stem in order else len(order))
    loaders = {stem: _loader(files[stem]) for stem in names}
    return Gallery(loaders, None if start is None else _loader(start))


def _file_gallery(path: Path) -> Gallery:
    """The one style of a file."""
    model = load_model(path)
    if not model.name:
        raise _styleless(display_name(path), model)
    return Gallery.of(model, start=_start_of(model, path))


def _styleless(name: str, model: Model) -> JaxnstError:
    """The error for a network that has no style; it says what it is for."""
    use = "`jaxnst upscale` uses networks that enlarge"
    if isinstance(model.network, Decoder):
        use = "it is a decoder, for pictures as --style; `jaxnst stylize` wants --method fast, too"
    return JaxnstError(f"{name}: has no style: {use}")


def _start_of(model: Model, path: Path) -> Model | None:
    """The network that a model was fine-tuned from, if it is at hand."""
    wanted = model.card.get("start", "")
    beside = path.with_name(START + SUFFIX)
    candidates: list[Any] = [f"{name}/{START}" for name in gallery_names()]
    candidates = [name for name in candidates if name in SHIPPED]
    candidates += [beside] if beside.is_file() else []
    for candidate in candidates if wanted else ():
        start = load_model(candidate)
        if start.card["sha256"] == wanted:
            return start
    return None


def _loader(path: Path) -> Callable[[], Model]:
    return lambda: load_model(path)


def blend_shares(style: str | Weights, styles: Iterable[str]) -> dict[str, float]:
    """The share of each style in a blend; they add up to 1.

    Args:
      style: a name, or weights by name, which need not add up to 1.
      styles: the names that there are.

    Raises:
      JaxnstError: there is no such style, or a weight is no weight.
    """
    if not isinstance(style, str | Mapping):
        raise JaxnstError(
            f"style is {style!r}: give a name, or weights by name for a blend, such as "
            "{'starry_night': 0.7, 'udnie': 0.3}"
        )
    weights = {style: 1.0} if isinstance(style, str) else dict(style)
    for name, weight in weights.items():
        check_choice("style", name, styles)
        check_number(f"weight of style {name!r}", weight)
    total = sum(weights.values())
    if not total:
        raise JaxnstError("the weights of all styles are 0: give one that is not")
    check_number("sum of the weights", total)
    return {name: weight / total for name, weight in weights.items() if weight}
