/** The fields of a task, each saved by itself as soon as it is left. */

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

import { t } from "../messages";
import { send } from "./acts";
import { useBoard } from "./board_context";
import { sectionsOf, statusAct } from "./columns";
import { DateField } from "./date_field";
import { useDraft } from "./draft";
import { TITLE_LENGTH } from "./quick_add";
import { PRIORITIES, STATUSES, type ShownTask, type TaskFields, type TaskStatus } from "./records";
import { fieldWord, isolated, nameOf, priorityWord, statusWord } from "./words";

/** A description may have so many characters. */
const TEXT_LENGTH = 20_000;

/** A task may have so many labels. */
const LABELS = 50;

/** Sends new values of fields, based on the record with this seq. */
export function update(task: ShownTask, set: Partial<TaskFields>, base: number): void {
  send("task.update", { task_id: task.id, set, base_seq: base });
}

interface FieldProps {
  readonly task: ShownTask;
}

export function Fields({ task }: FieldProps) {
  const setStatus = (status: TaskStatus): void => {
    const act = statusAct(task, status);
    if (act !== null) send(act.type, act.payload);
  };
  return (
    <div class="task-fields">
      <TextField task={task} field="title" />
      <TextField task={task} field="description" />
      <div class="task-pair">
        <Choice name={fieldWord("status")} value={task.status} values={STATUSES} word={statusWord} onChoose={setStatus} />
        <Choice
          name={fieldWord("priority")}
          value={task.priority}
          values={PRIORITIES}
          word={priorityWord}
          onChoose={(priority) => update(task, { priority }, task.seq)}
        />
      </div>
      <div class="task-pair">
        <DateField task={task} field="start" />
        <DateField task={task} field="due" />
      </div>
      <SectionField task={task} />
      <Labels task={task} />
      <Assignees task={task} />
    </div>
  );
}

function TextField({ task, field }: FieldProps & { readonly field: "title" | "description" }) {
  const draft = useDraft(task[field] ?? "", task.seq, (text, base) => {
    if (field === "description") update(task, { description: text === "" ? null : text }, base);
    else if (text.trim() !== "") update(task, { title: text.trim() }, base);
  });
  if (field === "description") {
    return (
      <label>
        {fieldWord(field)}
        <textarea
          rows={4}
          dir="auto"
          maxLength={TEXT_LENGTH}
          value={draft.value}
          onInput={(event) => draft.edit(event.currentTarget.value)}
          onBlur={draft.commit}
        />
      </label>
    );
  }
  return (
    <label>
      {fieldWord(field)}
      <input
        dir="auto"
        maxLength={TITLE_LENGTH}
        value={draft.value}
        onInput={(event) => draft.edit(event.currentTarget.value)}
        onBlur={draft.commit}
        onKeyDown={(event) => event.key === "Enter" && !event.isComposing && draft.commit()}
      />
    </label>
  );
}

function SectionField({ task }: FieldProps) {
  const { tasks } = useBoard();
  const list = useId();
  const draft = useDraft(task.section ?? "", task.seq, (text, base) => {
    update(task, { section: text.trim() === "" ? null : text.trim() }, base);
  });
  return (
    <label>
      {fieldWord("section")}
      <input
        dir="auto"
        list={list}
        maxLength={TITLE_LENGTH}
        value={draft.value}
        autocomplete="off"
        onInput={(event) => draft.edit(event.currentTarget.value)}
        onBlur={draft.commit}
        onKeyDown={(event) => event.key === "Enter" && !event.isComposing && draft.commit()}
      />
      <datalist id={list}>
        {sectionsOf(tasks).map((section) => (
          <option key={section} value={section} />
        ))}
      </datalist>
    </label>
  );
}

interface ChoiceProps<V extends string> {
  readonly name: string;
  readonly value: V;
  readonly values: readonly V[];
  readonly word: (value: V) => string;
  readonly onChoose: (value: V) => void;
}

function Choice<V extends string>({ name, value, values, word, onChoose }: ChoiceProps<V>) {
  return (
    <label>
      {name}
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value as V)}>
        {values.map((one) => (
          <option key={one} value={one}>
            {word(one)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Group({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <fieldset>
      <legend>{name}</legend>
      {children}
    </fieldset>
  );
}

function Labels({ task }: FieldProps) {
  const [text, setText] = useState("");
  const add = (): void => {
    const label = text.trim();
    setText("");
    if (label !== "" && !task.labels.includes(label)) update(task, { labels: [...task.labels, label] }, task.seq);
  };
  return (
    <Group name={fieldWord("labels")}>
      <ul class="task-labels">
        {task.labels.map((label) => (
          <li key={label}>
            <button
              type="button"
              aria-label={t("task_remove_label", { label: isolated(label) })}
              onClick={() => update(task, { labels: task.labels.filter((other) => other !== label) }, task.seq)}
            >
              <bdi>{label}</bdi> <span aria-hidden="true">×</span>
            </button>
          </li>
        ))}
      </ul>
      {task.labels.length < LABELS && (
        <input
          value={text}
          maxLength={TITLE_LENGTH}
          placeholder={t("task_new_label")}
          aria-label={t("task_new_label")}
          autocomplete="off"
          onInput={(event) => setText(event.currentTarget.value)}
          onBlur={add}
          onKeyDown={(event) => event.key === "Enter" && !event.isComposing && add()}
        />
      )}
    </Group>
  );
}

function Assignees({ task }: FieldProps) {
  const { members } = useBoard();
  const former = task.assignees.filter((id) => !members.some(({ user_id }) => user_id === id));
  const toggle = (id: string, isIn: boolean): void => {
    const assignees = isIn ? [...task.assignees, id] : task.assignees.filter((other) => other !== id);
    update(task, { assignees }, task.seq);
  };
  return (
    <Group name={fieldWord("assignees")}>
      {[...members.map(({ user_id }) => user_id), ...former].map((id) => (
        <label key={id} class="task-check">
          <input
            type="checkbox"
            checked={task.assignees.includes(id)}
            onChange={(event) => toggle(id, event.currentTarget.checked)}
          />
          <bdi>{nameOf(members, id)}</bdi>
        </label>
      ))}
    </Group>
  );
}
