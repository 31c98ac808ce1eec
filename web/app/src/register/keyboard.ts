/** The sheet by keyboard: arrows move between rows, letters mark, «/» searches, Escape clears. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

import { hasShortcuts } from "./device";
import { focusFirst, focusNext, rowOf } from "./focus";
import { withCode } from "./row";
import type { SheetView } from "./sheet_view";

export interface Keys {
  readonly list: RefObject<HTMLUListElement>;
  readonly search: RefObject<HTMLInputElement>;
  readonly clearSearch: () => void;
}

export function useKeyboard(view: SheetView, { list, search, clearSearch }: Keys): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (document.querySelector("dialog[open]") !== null || list.current === null) return;
      if (handled(event, view, list.current, search.current, clearSearch)) event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
}

function handled(
  { key, code }: KeyboardEvent,
  view: SheetView,
  list: HTMLUListElement,
  search: HTMLInputElement | null,
  clearSearch: () => void,
): boolean {
  const focused = document.activeElement;
  const isSearching = search !== null && focused === search;
  const here = rowOf(focused);
  if (key === "Escape") {
    clearSearch();
    if (isSearching) focusFirst(list);
    return isSearching;
  }
  if (here !== null && list.contains(here)) {
    if (key === "ArrowDown" || key === "ArrowUp") {
      focusNext(here, key === "ArrowDown");
      return true;
    }
    return (hasShortcuts.peek() && marked(key, code, here, view)) || searched(key, search);
  }
  if (key === "ArrowDown" && (isSearching || focused === document.body)) {
    focusFirst(list);
    return true;
  }
  const isTyping = focused instanceof HTMLInputElement || focused instanceof HTMLSelectElement;
  return !isTyping && searched(key, search);
}

function searched(key: string, search: HTMLInputElement | null): boolean {
  if (key !== "/" || !hasShortcuts.peek()) return false;
  search?.focus();
  return search !== null;
}

/** Marks the row's student where the key is a code's, and goes on to the next row. */
function marked(key: string, physical: string, here: HTMLElement, view: SheetView): boolean {
  const row = view.rows.find(({ student }) => student.id === here.dataset["student"]);
  if (row === undefined || !view.mayChange(row)) return false;
  if (key === "Delete" || key === "Backspace") {
    if (row.value !== null) view.set(row, null);
    return true;
  }
  // Keyboards of other scripts have the letters of codes in the same places.
  const letter = key.length === 1 && key > "~" && physical.startsWith("Key") ? physical.slice("Key".length) : key;
  const chosen = view.codes.find((code) => code.code === letter.toUpperCase());
  if (chosen === undefined) return false;
  if (row.value?.code !== chosen.code) view.set(row, withCode(row, chosen));
  focusNext(here, true);
  return true;
}
