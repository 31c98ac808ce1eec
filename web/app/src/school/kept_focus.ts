/** The focus stays where it is when what has it changes its place. */

import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/** For a component that renders a list anew in another order: browsers take the focus from what is moved. */
export function useKeptFocus(list: RefObject<HTMLElement>): void {
  const before = document.activeElement;
  useLayoutEffect(() => {
    if (before instanceof HTMLElement && before !== document.activeElement && list.current?.contains(before)) {
      before.focus({ preventScroll: true });
    }
  });
}
