/** What people say about a task. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { QueuedAction, StoredRecord } from "rollcall-client";

import { get } from "../api";
import { acts, status } from "../live";
import { t } from "../messages";
import { of } from "../records";
import { saved, send } from "./acts";
import { useBoard } from "./board_context";
import { moment } from "./dates";
import type { Comment } from "./records";
import { State } from "./state";
import { nameOf } from "./words";

const TEXT_LENGTH = 20_000;

interface Page {
  readonly items: readonly Comment[];
  readonly next_cursor: string | null;
}

interface CommentsProps {
  readonly taskId: string;
  readonly records: readonly StoredRecord[];
}

export function Comments({ taskId, records }: CommentsProps) {
  const { members, canAct } = useBoard();
  const { read, failed } = useRead(taskId);
  const all = useMemo(() => merged(taskId, [read, of<Comment>(records, "comment"), saved.value.map(({ data }) => data)]), [
    taskId,
    read,
    records,
    saved.value,
  ]);
  const pending = acts.value.filter((step) => isPending(step, taskId));
  return (
    <section class="task-comments" aria-label={t("task_comments")}>
      <h3>{t("task_comments")}</h3>
      {failed && read.length === 0 && <p class="error">{t("unreachable")}</p>}
      <ol>
        {all.map(({ id, by, by_name, at, text }) => (
          <li key={id}>
            <p class="task-by">
              <bdi>{by_name ?? nameOf(members, by)}</bdi> <time dateTime={at}>{moment(at)}</time>
            </p>
            <p dir="auto">{text}</p>
          </li>
        ))}
        {pending.map(({ action, state }) => (
          <li key={action.op_id}>
            <p dir="auto">{String(action.payload["text"])}</p>
            <State state={state === "queued" ? "queued" : "sent"} />
          </li>
        ))}
      </ol>
      {canAct && <NewComment taskId={taskId} />}
    </section>
  );
}

function NewComment({ taskId }: { readonly taskId: string }) {
  const [text, setText] = useState("");
  const add = (event: SubmitEvent): void => {
    event.preventDefault();
    if (text.trim() === "") return;
    send("task.comment", { task_id: taskId, text: text.trim() });
    setText("");
  };
  return (
    <form onSubmit={add}>
      <label>
        {t("task_new_comment")}
        <textarea rows={2} dir="auto" maxLength={TEXT_LENGTH} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <div class="buttons">
        <button type="submit" disabled={text.trim() === ""}>
          {t("task_comment")}
        </button>
      </div>
    </form>
  );
}

function isPending({ action, state }: QueuedAction, taskId: string): boolean {
  return action.type === "task.comment" && action.payload["task_id"] === taskId && (state === "queued" || state === "sent");
}

/** All of the task, each once, in their order. */
function merged(taskId: string, sources: readonly (readonly StoredRecord[])[]): Comment[] {
  const found = new Map<string, Comment>();
  for (const comment of sources.flat()) {
    if (comment.kind === "comment" && comment["task_id"] === taskId) found.set(comment.id, comment as Comment);
  }
  return [...found.values()].sort((one, other) => one.seq - other.seq);
}

/** Those that the server has; again when the connection comes back, since comments are in no snapshot. */
function useRead(taskId: string): { readonly read: readonly Comment[]; readonly failed: boolean } {
  const [read, setRead] = useState<readonly Comment[]>([]);
  const [failed, setFailed] = useState(false);
  const connected = status.value.state === "live";
  useEffect(() => {
    let wanted = true;
    readAll(taskId).then(
      (comments) => {
        if (!wanted) return;
        setRead(comments);
        setFailed(false);
      },
      () => wanted && setFailed(true),
    );
    return () => {
      wanted = false;
    };
  }, [taskId, connected]);
  return { read, failed };
}

async function readAll(taskId: string): Promise<Comment[]> {
  const found: Comment[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page = await get<Page>(`/api/tasks/${encodeURIComponent(taskId)}/comments?limit=500${query}`);
    found.push(...page.items);
    cursor = page.next_cursor;
  }
  return found;
}
