"""Two who walk through the portal: one clicks, perhaps without scripts; the other has a keyboard only."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page

MOST_STOPS = 200
STANDS = """element => {
  if (!element.isConnected) return ["gone"];
  if (element !== document.activeElement) return null;
  const box = element.getBoundingClientRect(), style = getComputedStyle(element), problems = [];
  const x = box.x + Math.min(box.width / 2, 40);
  const y = Math.max(box.y, 0) + Math.min(box.height, innerHeight) / 2;
  const over = document.elementFromPoint(x, y);
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) problems.push("no ring");
  if (!over || !(element.contains(over) || over.contains(element))) problems.push(`under ${over?.className}`);
  return problems;
}"""
"""Null if another element has the focus; else what hides the focus."""

IS_NEW_AND_BELOW = "element => document.activeElement === document.body && !!element.closest('main')"
"""Where the first stop of the page is a link to its main part, and the control is there."""

IS_BEFORE = """element => document.activeElement !== document.body
  && !!(element.compareDocumentPosition(document.activeElement) & Node.DOCUMENT_POSITION_FOLLOWING)"""


@dataclass
class Mouse:
    page: Page

    def press(self, control: Locator) -> None:
        control.click()

    def fill(self, control: Locator, text: str) -> None:
        control.fill(text)

    def tick(self, first: Locator, last: Locator) -> None:
        """The first and the last, which are two that follow one another."""
        first.check()
        last.check()


@dataclass
class Keyboard:
    """Reaches everything by Tab, and must see where it is."""

    page: Page

    def press(self, control: Locator) -> None:
        self.reach(control)
        self.page.keyboard.press("Enter")

    def fill(self, control: Locator, text: str) -> None:
        self.reach(control)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def tick(self, first: Locator, last: Locator) -> None:
        """One, and with Shift all as far as the last."""
        self.reach(first)
        self.page.keyboard.press("Space")
        self.reach(last)
        self.page.keyboard.press("Shift+Space")

    def reach(self, control: Locator) -> None:
        control.wait_for()
        element = control.element_handle()
        if element.evaluate(IS_NEW_AND_BELOW):
            self.page.keyboard.press("Tab")
            if self.page.locator(".pb-skip:focus").count():
                self.page.keyboard.press("Enter")
        key = "Shift+Tab" if element.evaluate(IS_BEFORE) else "Tab"
        for _ in range(MOST_STOPS):
            problems = element.evaluate(STANDS)
            if problems == ["gone"]:
                element = control.element_handle()
            elif problems is not None:
                assert problems == [], f"{control}: {problems}"
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"Tab does not lead to {control}")
