/** What every part of one sheet needs to know, and what each may do. */

import type { Code, Register, School } from "../records";
import type { Place, Value } from "./acts";
import type { Rights } from "./rights";
import type { Row } from "./rows";

export interface SheetView {
  readonly place: Place;
  readonly school: School;
  readonly rights: Rights;
  /** The codes that are open to the user. */
  readonly codes: readonly Code[];
  readonly rows: readonly Row[];
  readonly register: Register | null;
  /** Whether the user may mark here at all: the day is open, and the register to them. */
  readonly isOpen: boolean;
  readonly mayChange: (row: Row) => boolean;
  /** Marks a student; null clears the mark. */
  readonly set: (row: Row, value: Value | null) => void;
}
