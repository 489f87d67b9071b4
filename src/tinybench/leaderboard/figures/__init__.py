"""Figures of the leaderboard: SVG for light and dark pages, with alt text, caption, data and links."""

from tinybench.leaderboard.figures.collection import MOST_DEVICES as MOST_DEVICES
from tinybench.leaderboard.figures.collection import Gallery as Gallery
from tinybench.leaderboard.figures.collection import gallery as gallery
from tinybench.leaderboard.figures.collection import write as write
from tinybench.leaderboard.figures.figure import Figure as Figure
