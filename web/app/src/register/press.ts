/** A long press on a button, told from a tap. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

const LONG = 500;

/** How far a finger may slip, in pixels; beyond that it scrolls. */
const SLIP = 10;

type Handlers = Pick<
  JSX.HTMLAttributes<HTMLButtonElement>,
  "onClick" | "onContextMenu" | "onKeyDown" | "onPointerDown" | "onPointerMove" | "onPointerUp" | "onPointerCancel"
>;

/** What a button needs so that a tap does one thing, and a long press, the context-menu key or Shift+Enter another. */
export function usePress(tap: () => unknown, long: () => void): Handlers {
  const press = useRef<{ timer: number; x: number; y: number } | null>(null);
  const isOver = useRef(false);
  const end = (): void => {
    if (press.current !== null) clearTimeout(press.current.timer);
    press.current = null;
  };
  const open = (): void => {
    end();
    // The click that follows when the finger is lifted belongs to the long press; there may be none.
    isOver.current = true;
    long();
  };
  useEffect(() => end, []);
  return {
    onClick: () => {
      if (!isOver.current) tap();
      isOver.current = false;
    },
    onContextMenu: (event) => {
      event.preventDefault();
      if (!isOver.current) open();
      // A mouse and a key send no click after it.
      if (press.current === null && (event as unknown as PointerEvent).pointerType !== "touch") isOver.current = false;
    },
    onKeyDown: (event) => {
      isOver.current = false;
      if (event.key !== "Enter" || !event.shiftKey) return;
      event.preventDefault();
      long();
    },
    onPointerDown: (event) => {
      isOver.current = false;
      if (event.button !== 0) return;
      end();
      press.current = { timer: window.setTimeout(open, LONG), x: event.clientX, y: event.clientY };
    },
    onPointerMove: ({ clientX, clientY }) => {
      if (press.current === null) return;
      if (Math.hypot(clientX - press.current.x, clientY - press.current.y) > SLIP) end();
    },
    onPointerUp: end,
    onPointerCancel: end,
  };
}
