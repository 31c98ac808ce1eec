/** A line chart of a rate over days. Loaded only when it is shown, with the library that draws it. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { number, percent } from "../messages";
import { shortDay } from "./clock";

export interface Point {
  readonly date: string;
  /** 0 to 1; null: no school day, and the line goes on over it. */
  readonly rate: number | null;
}

export interface Chart {
  show(points: readonly Point[]): void;
  /** Draws it again in the colours of now. */
  repaint(): void;
  close(): void;
}

/** Draws within an element, in its colours: `color`, and those of its border (lines) and outline (the curve). */
export function drawIn(place: HTMLElement, rtl: boolean): Chart {
  const colour = (name: "color" | "borderTopColor" | "outlineColor") => () => getComputedStyle(place)[name];
  let dates: readonly string[] = [];
  const axis = {
    stroke: colour("color"),
    grid: { stroke: colour("borderTopColor"), width: 1 },
    ticks: { stroke: colour("borderTopColor"), width: 1 },
    font: `${fontSize(place)}px ${getComputedStyle(place).fontFamily}`,
  };
  const options: uPlot.Options = {
    ...sizeOf(place),
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, dir: rtl ? -1 : 1 }, y: { range: (_, low) => [Math.max(0, Math.floor(low * 20 - 0.5) / 20), 1] } },
    axes: [
      { ...axis, incrs: [1, 2, 5, 7, 10], space: fontSize(place) * 4, values: (_, splits) => splits.map((at) => label(dates[at])) },
      { ...axis, side: rtl ? 1 : 3, size: fontSize(place) * 4, values: (_, splits) => splits.map((share) => percent(share)) },
    ],
    series: [
      { value: (_, at) => number(at ?? 0) },
      { stroke: colour("outlineColor"), width: 3, spanGaps: true, points: { show: true, size: 7, fill: colour("outlineColor") } },
    ],
  };
  const plot = new uPlot(options, [[], []], place);
  const observer = new ResizeObserver(() => plot.setSize(sizeOf(place)));
  observer.observe(place);
  return {
    show(points) {
      dates = points.map(({ date }) => date);
      plot.setData([points.map((_, at) => at), points.map(({ rate }) => rate)]);
    },
    repaint: () => plot.redraw(false),
    close() {
      observer.disconnect();
      plot.destroy();
    },
  };
}

function sizeOf(place: HTMLElement): { width: number; height: number } {
  return { width: Math.max(place.clientWidth, 120), height: Math.max(place.clientHeight, 120) };
}

/** Without the marks of direction that some languages put into dates: the canvas is written from left to right. */
function label(date: string | undefined): string {
  return date === undefined ? "" : shortDay(date).replace(/[\u200e\u200f]/g, "");
}

/** In whole pixels: the library takes no others. */
function fontSize(place: HTMLElement): number {
  return Math.round(parseFloat(getComputedStyle(place).fontSize));
}
