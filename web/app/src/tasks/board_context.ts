/** What the parts of a team's page share. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Column, Place } from "./columns";
import type { Member, ShownTask } from "./records";

export interface BoardContext {
  readonly teamId: string;
  readonly members: readonly Member[];
  /** All of the team, hidden ones too. */
  readonly tasks: readonly ShownTask[];
  readonly columns: readonly Column[];
  /** False in an archived team. */
  readonly canAct: boolean;
  readonly isLead: boolean;
  /** Brings a task to a place and says so. */
  readonly move: (task: ShownTask, place: Place) => void;
  readonly remove: (task: ShownTask) => void;
}

const Context = createContext<BoardContext | null>(null);

export const BoardProvider = Context.Provider;

export function useBoard(): BoardContext {
  return useContext(Context) as BoardContext;
}
