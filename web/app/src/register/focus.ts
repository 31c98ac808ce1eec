/** The focus in the list of students. */

/** The buttons of a row that can be pressed; «Withdraw» is there only sometimes. A held row has none. */
const BUTTONS = "button:enabled:not(.withdraw)";

/** The row, among the list's, that an element is in. */
export function rowOf(element: Element | null): HTMLElement | null {
  return element?.closest<HTMLElement>("[data-student]") ?? null;
}

/** Goes to the first row of the list that has a button. */
export function focusFirst(list: Element): void {
  focusFrom(list.querySelector("[data-student]"), true, 0);
}

/** Goes to the same button of the next row, after or before, that has any; stays where there is none. */
export function focusNext(here: Element, isDown: boolean): void {
  const button = [...here.querySelectorAll(BUTTONS)].indexOf(document.activeElement as Element);
  focusFrom(beside(here, isDown), isDown, button);
}

/** Goes to a button of the row, or of the next one that has any. */
export function focusFrom(row: Element | null, isDown: boolean, button: number): void {
  for (let at = row; at !== null; at = beside(at, isDown)) {
    const buttons = at.querySelectorAll<HTMLElement>(BUTTONS);
    const target = buttons[Math.min(Math.max(button, 0), buttons.length - 1)];
    if (target === undefined) continue;
    target.focus();
    at.scrollIntoView({ block: "nearest" });
    return;
  }
}

function beside(row: Element, isDown: boolean): Element | null {
  return isDown ? row.nextElementSibling : row.previousElementSibling;
}
