"""Figures of the leaderboard: SVG for light and dark pages, with alt text, caption, data and links."""

from tinybench.leaderboard.figures.figure import Figure as Figure
from tinybench.leaderboard.figures.gallery import MOST_DEVICES as MOST_DEVICES
from tinybench.leaderboard.figures.gallery import Gallery as Gallery
from tinybench.leaderboard.figures.gallery import gallery as gallery
from tinybench.leaderboard.figures.gallery import write as write
