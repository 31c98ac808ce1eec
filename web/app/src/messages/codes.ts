/** The codes of the server's own sets: a language other than English has a label for each, or does not build. */

export const CODES = {
  simple: ["P", "L", "A", "E", "O"],
  england: [
    ...["/", "\\", "L", "K", "V", "P", "W", "B", "D", "C", "C1", "C2", "M", "T", "R", "I", "J1"] as const,
    ...["S", "E", "Q", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "G", "N", "O", "U", "X", "Z", "#"] as const,
  ],
} as const;

/** By code set and code. */
export type CodeLabels = { readonly [S in keyof typeof CODES]: Readonly<Record<(typeof CODES)[S][number], string>> };
