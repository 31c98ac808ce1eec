/** Moving a task without dragging: a menu with the places it can go to. */

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import { t } from "../messages";
import { actsFor, type Column, type Place } from "./columns";
import { useBoard } from "./board_context";
import type { ShownTask } from "./records";
import { columnWord, isolated } from "./words";

/** The task whose button is to have the focus once it is where it was moved to. */
export const focusWanted = signal<string | null>(null);

const open = signal<{ readonly id: string; readonly button: HTMLElement } | null>(null);

interface Choice {
  readonly words: string;
  readonly place: Place;
}

export function MoveButton({ task, column }: { readonly task: ShownTask; readonly column: Column }) {
  const { columns } = useBoard();
  const isOpen = open.value?.id === task.id && columns.some(({ key }) => key === column.key);
  return (
    <button
      type="button"
      class="task-move plain"
      aria-haspopup="menu"
      aria-expanded={isOpen}
      aria-label={t("task_move", { title: isolated(task.title) })}
      onClick={(event) => (open.value = isOpen ? null : { id: task.id, button: event.currentTarget })}
    >
      <span aria-hidden="true">⇅</span>
    </button>
  );
}

/** The menu of whichever button is open. */
export function MoveMenu() {
  const { tasks, columns, move } = useBoard();
  const of = open.value;
  const task = tasks.find(({ id }) => id === of?.id);
  const column = columns.find((one) => one.tasks.some(({ id }) => id === task?.id));
  useEffect(() => () => void (open.value = null), []);
  if (of === null || task === undefined || column === undefined) return null;
  const choose = ({ place }: Choice): void => {
    open.value = null;
    focusWanted.value = task.id;
    move(task, place);
  };
  return <Menu key={task.id} title={task.title} button={of.button} choices={choicesFor(task, column, columns, tasks)} onChoose={choose} />;
}

interface MenuProps {
  readonly title: string;
  readonly button: HTMLElement;
  readonly choices: readonly Choice[];
  readonly onChoose: (choice: Choice) => void;
}

function Menu({ title, button, choices, onChoose }: MenuProps) {
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const shown = menu.current;
    if (shown === null) return;
    shown.showPopover();
    const at = button.getBoundingClientRect();
    const { width, height } = shown.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.right - width), innerWidth - width - 8);
    const top = at.bottom + height > innerHeight ? Math.max(8, at.top - height) : at.bottom;
    Object.assign(shown.style, { left: `${left}px`, top: `${top}px` });
    items(shown)[0]?.focus();
  }, []);
  const key = (event: KeyboardEvent): void => {
    const all = items(event.currentTarget as HTMLElement);
    const index = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: index + 1, ArrowUp: index - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Tab") open.value = null;
    if (next === undefined) return;
    event.preventDefault();
    all[next % all.length]?.focus();
  };
  const toggled = (event: { readonly newState: string }): void => {
    if (event.newState !== "closed") return;
    open.value = null;
    if (document.activeElement === document.body) button.focus();
  };
  return (
    <div
      ref={menu}
      class="task-menu"
      role="menu"
      popover="auto"
      aria-label={t("task_move", { title: isolated(title) })}
      onKeyDown={key}
      onToggle={toggled}
    >
      {choices.map((choice) => (
        <button key={choice.words} type="button" role="menuitem" tabIndex={-1} onClick={() => onChoose(choice)}>
          {choice.words}
        </button>
      ))}
    </div>
  );
}

function items(menu: HTMLElement): HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>("[role=menuitem]")];
}

/** Those places that would change something. */
function choicesFor(task: ShownTask, column: Column, columns: readonly Column[], tasks: readonly ShownTask[]): Choice[] {
  const index = column.tasks.findIndex(({ id }) => id === task.id);
  const at = (n: number): string | null => column.tasks[n]?.id ?? null;
  const within: Choice[] = [
    { words: t("task_up"), place: { column, before: at(index - 1) ?? task.id } },
    { words: t("task_down"), place: { column, before: at(index + 2) } },
    { words: t("task_to_top"), place: { column, before: at(0) } },
    { words: t("task_to_end"), place: { column, before: null } },
  ];
  const useful = within.filter(({ place }) => place.before !== task.id && actsFor(task, place, tasks).length > 0);
  const others = columns.filter(({ key }) => key !== column.key);
  return [
    ...useful,
    ...others.map((to) => ({ words: t("task_to", { column: isolated(columnWord(to)) }), place: { column: to, before: null } })),
  ];
}
