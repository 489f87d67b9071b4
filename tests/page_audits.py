"""What can be read off a page in a browser: contrast, sizes of controls, motion, what is beyond its edge."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

_TEXTS = """() => {
    // Colours as the browser paints them, whatever notation the style sheet uses.
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
    const background = element => {
        const layers = [];
        for (let e = element; e; e = e.parentElement) {
            const colour = rgba(getComputedStyle(e).backgroundColor);
            layers.push(colour);
            if (colour[3] == 1) break;
        }
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
    };
    const luminance = colour => {
        const [r, g, b] = colour.slice(0, 3).map(v => v / 255).map(
            v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    for (const element of document.body.querySelectorAll('*')) {
        const text = [...element.childNodes].filter(n => n.nodeType == 3).map(n => n.data).join('').trim();
        const shown = element.checkVisibility({opacityProperty: true, visibilityProperty: true});
        if (!text || !shown || element.closest('[aria-hidden=true], :disabled, svg')) continue;
        const box = element.getBoundingClientRect();
        if (box.width < 2 || box.height < 2) continue;
        const style = getComputedStyle(element);
        const behind = background(element);
        const colour = over(rgba(style.color), behind);
        const [low, high] = [luminance(colour), luminance(behind)].sort((a, b) => a - b);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
        found.push({
            text: text.slice(0, 60),
            element: element.localName + (element.className ? '.' + element.className : ''),
            ratio: (high + 0.05) / (low + 0.05),
            needed: large ? 3 : 4.5,
        });
    }
    return found;
}"""


def contrasts(page: Page) -> list[dict[str, Any]]:
    """Every visible text with its contrast, and what WCAG 2.2, 1.4.3 needs: 4.5, or 3 for large text."""
    return page.evaluate(_TEXTS)


def beyond_edge(page: Page) -> list[str]:
    """What makes a page scroll sideways."""
    return page.evaluate(
        """() => {
            const root = document.documentElement, width = root.clientWidth;
            if (root.scrollWidth <= width && document.body.scrollWidth <= width) return [];
            return [...document.body.querySelectorAll('*')]
                .filter(e => e.getBoundingClientRect().right > width + 1)
                .map(e => `${e.localName}.${e.className}: ${Math.round(e.getBoundingClientRect().right)}`)
                .slice(0, 10);
        }"""
    )


def small_controls(page: Page, at_least: int = 24) -> list[str]:
    """Controls that a finger misses: WCAG 2.2, 2.5.8. Links within a text are exempt there."""
    return page.evaluate(
        """at_least => [...document.querySelectorAll(
                'button, select, input, [role=button], summary, th[tabindex]')]
            .filter(e => e.checkVisibility({opacityProperty: true, visibilityProperty: true}))
            // What is clicked is the label of a box, and the whole head of a column.
            .map(e => (e.matches('[type=checkbox], [type=radio]') && e.labels[0]) || e.closest('th') || e)
            .map(e => [e, e.getBoundingClientRect()])
            .filter(([e, box]) => box.width > 1 && (box.width < at_least || box.height < at_least))
            .map(([e, box]) => `${e.outerHTML.slice(0, 100)}: ${box.width} x ${box.height}`)""",
        at_least,
    )


def moving(page: Page) -> list[str]:
    """Elements that something animates, or would animate."""
    return page.evaluate(
        """() => [...document.querySelectorAll('*')].filter(e => {
            const style = getComputedStyle(e);
            const lasts = durations => durations.split(',').some(each => parseFloat(each) > 0.011);
            const animated = style.animationName != 'none' && lasts(style.animationDuration);
            return animated || lasts(style.transitionDuration);
        }).map(e => e.outerHTML.slice(0, 100)).slice(0, 10)"""
    )
