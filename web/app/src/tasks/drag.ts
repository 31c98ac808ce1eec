/** Taking a card by mouse, pen or finger, and putting it down somewhere else. */

import { signal } from "@preact/signals";

/** Where the card would go: before one of the column's cards, or to its end. */
export interface Target {
  readonly column: string;
  readonly before: string | null;
}

/** The card that is being dragged, and where it would go. */
export const dragged = signal<{ readonly id: string; readonly target: Target | null } | null>(null);

/** So far a pressed mouse may move and still click, in px. */
const CLICK = 6;

/** So near to the edge of the window or the board it scrolls, in px, and so far in one frame. */
const EDGE = 48;
const STEP = 12;

/** What a press on a card begins: at once on its grip, elsewhere once a mouse has moved. */
export function press(event: PointerEvent, id: string, drop: (target: Target) => void): void {
  const from = event.target as Element;
  const onGrip = from.closest(".grip") !== null;
  // A finger elsewhere on the card scrolls the page.
  if (event.button !== 0 || (!onGrip && (event.pointerType === "touch" || from.closest("button") !== null))) return;
  const card = (event.currentTarget as HTMLElement).closest<HTMLElement>("[data-task]");
  if (card === null) return;
  new Drag(card, id, event, drop);
}

class Drag {
  private readonly end = new AbortController();
  private readonly board: Element | null;
  private ghost: HTMLElement | null = null;
  private at: { x: number; y: number };
  private readonly start: { readonly x: number; readonly y: number };

  constructor(
    private readonly card: HTMLElement,
    private readonly id: string,
    event: PointerEvent,
    private readonly drop: (target: Target) => void,
  ) {
    this.start = this.at = { x: event.clientX, y: event.clientY };
    this.board = card.closest(".task-board");
    const { signal } = this.end;
    addEventListener("pointermove", (move) => this.moved(move), { signal });
    addEventListener("pointerup", () => this.put(), { signal });
    addEventListener("pointercancel", () => this.stop(), { signal });
    addEventListener("keydown", (key) => key.key === "Escape" && this.stop(), { signal, capture: true });
    // The browser's own dragging of links and selections would take the pointer away.
    addEventListener("dragstart", (drag) => drag.preventDefault(), { signal });
    addEventListener("selectstart", (select) => select.preventDefault(), { signal });
  }

  private moved(event: PointerEvent): void {
    this.at = { x: event.clientX, y: event.clientY };
    if (this.ghost === null) {
      if (Math.hypot(this.at.x - this.start.x, this.at.y - this.start.y) < CLICK) return;
      this.lift();
    }
    this.follow();
  }

  private lift(): void {
    const { left, top, width } = this.card.getBoundingClientRect();
    const ghost = this.card.cloneNode(true) as HTMLElement;
    ghost.classList.add("task-ghost");
    ghost.removeAttribute("data-task");
    ghost.setAttribute("aria-hidden", "true");
    ghost.inert = true;
    Object.assign(ghost.style, { left: `${left}px`, top: `${top}px`, width: `${width}px` });
    document.body.append(ghost);
    this.ghost = ghost;
    dragged.value = { id: this.id, target: null };
    requestAnimationFrame(() => this.scroll());
  }

  private follow(): void {
    if (this.ghost === null) return;
    this.ghost.style.transform = `translate(${this.at.x - this.start.x}px, ${this.at.y - this.start.y}px)`;
    const target = targetAt(this.at.x, this.at.y, this.id);
    const before = dragged.peek()?.target;
    if (target?.column !== before?.column || target?.before !== before?.before) dragged.value = { id: this.id, target };
  }

  /** Scrolls as long as the pointer stays at an edge. */
  private scroll(): void {
    if (this.end.signal.aborted) return;
    const { x, y } = this.at;
    const down = y > innerHeight - EDGE ? STEP : y < EDGE ? -STEP : 0;
    if (down !== 0) scrollBy(0, down);
    const box = this.board?.getBoundingClientRect();
    const across = box === undefined ? 0 : x > Math.min(box.right, innerWidth) - EDGE ? STEP : x < Math.max(box.left, 0) + EDGE ? -STEP : 0;
    if (across !== 0) this.board?.scrollBy(across, 0);
    if (down !== 0 || across !== 0) this.follow();
    requestAnimationFrame(() => this.scroll());
  }

  private put(): void {
    const target = dragged.peek()?.target ?? null;
    if (this.ghost !== null) swallowClick();
    this.stop();
    if (target !== null) this.drop(target);
  }

  private stop(): void {
    this.end.abort();
    this.ghost?.remove();
    dragged.value = null;
  }
}

function targetAt(x: number, y: number, id: string): Target | null {
  const column = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-column]");
  if (column === null || column === undefined) return null;
  const cards = [...column.querySelectorAll<HTMLElement>("[data-task]")].filter((card) => card.dataset["task"] !== id);
  const next = cards.find((card) => {
    const { top, height } = card.getBoundingClientRect();
    return y < top + height / 2;
  });
  return { column: column.dataset["column"] ?? "", before: next?.dataset["task"] ?? null };
}

/** The click that follows a release is not meant for what is under the pointer. */
function swallowClick(): void {
  const end = new AbortController();
  const swallow = (event: MouseEvent): void => {
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener("click", swallow, { capture: true, signal: end.signal });
  setTimeout(() => end.abort());
}
