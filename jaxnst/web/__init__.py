"""The web page: Gradio over the same few library calls as the command line.

`server` makes the application, `page` lays it out; each tab has a file of its own. `studio` holds
what all visitors share, and `guard` keeps out what is not a picture.
"""
