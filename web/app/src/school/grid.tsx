/** The classes, each with the state of its register. */

import { useRef } from "preact/hooks";

import { number, t } from "../messages";
import type { State, Tile } from "./board";
import { clockTime } from "./clock";
import { useKeptFocus } from "./kept_focus";

const SHAPES: Readonly<Record<State, string>> = { none: "○", open: "◐", taken: "●", gaps: "◕" };

/** On a wall there are so many times more columns than rows. */
const WIDER = 2.6;

interface GridProps {
  readonly tiles: readonly Tile[];
  /** Who is on roll in a class where nobody has marked yet; undefined: not known. */
  readonly rollOf: (classId: string) => number | undefined;
  /** The address of a class's sheet; null: the tiles lead nowhere. */
  readonly to: ((tile: Tile) => string) | null;
}

export function Grid({ tiles, rollOf, to }: GridProps) {
  const list = useRef<HTMLUListElement>(null);
  useKeptFocus(list);
  return (
    <ul class="tiles" ref={list} style={{ "--columns": Math.ceil(Math.sqrt(tiles.length * WIDER)) }}>
      {tiles.map((tile) => {
        const look = `tile ${tile.state}${tile.missing.length > 0 ? " missing" : ""}`;
        const content = <Content tile={tile} onRoll={tile.onRoll ?? rollOf(tile.one.id)} />;
        return (
          <li key={tile.one.id}>
            {to === null ? (
              <div class={look}>{content}</div>
            ) : (
              <a class={look} href={to(tile)} id={`tile-${tile.one.id}`}>
                {content}
              </a>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Content({ tile, onRoll }: { readonly tile: Tile; readonly onRoll: number | undefined }) {
  const { one, state, figures } = tile;
  return (
    <>
      <bdi class="name">{one.name}</bdi>
      <span class="state">
        <span aria-hidden="true">{SHAPES[state]}</span> {inWords(tile)}
      </span>
      <span class="numbers">
        <span>{t("school_tile_marked", { marked: figures.marked, roll: onRoll === undefined ? "–" : number(onRoll) })}</span>{" "}
        <span class={figures.absent > 0 ? "some" : ""}>{t("school_tile_absent", { count: figures.absent })}</span>{" "}
        <span class={figures.late > 0 ? "some" : ""}>{t("school_tile_late", { count: figures.late })}</span>
      </span>
    </>
  );
}

function inWords({ state, missing, isBegun, figures, onRoll }: Tile): string {
  const [first] = missing;
  if (first !== undefined && missing.length > 1) {
    return t("school_state_several", { count: missing.length, time: clockTime(first.start) });
  }
  if (first !== undefined) {
    return t(isBegun ? "school_state_open_since" : "school_state_none_since", { time: clockTime(first.start) });
  }
  if (state === "gaps") return t("school_state_gaps", { count: (onRoll ?? 0) - figures.marked });
  return t(`school_state_${state}`);
}
