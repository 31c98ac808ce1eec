/** A form that keeps what was typed when the server refuses it, and shows each refusal at the field it is about. */

import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useId, useRef, useState } from "preact/hooks";

import { Rejected, Unreachable } from "../api";
import { t } from "../messages";
import { reason } from "../parts/reason";

/** The server's texts, or those of the pages. */
type FieldErrors = Readonly<Record<string, readonly string[] | Unfilled>>;

/** What `send` throws before it sends: the field of this name is to be filled in; the message says with what. */
export class Unfilled extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

interface Failure {
  /** What is shown for the form as a whole. */
  readonly message: string;
  readonly fields: FieldErrors;
}

/** What shows an error. */
const WRONG = "[aria-invalid=true], fieldset[aria-describedby] input:not([type=hidden])";

const Errors = createContext<FieldErrors>({});

interface FormProps {
  /** Sends what was entered; what it throws is shown. */
  readonly send: (data: FormData, form: HTMLFormElement) => Promise<void>;
  readonly submit: string;
  readonly danger?: boolean;
  readonly onCancel?: () => void;
  readonly children?: ComponentChildren;
}

export function Form({ send, submit, danger = false, onCancel, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    if (failure !== null) form.current?.querySelector<HTMLElement>(WRONG)?.focus();
  }, [failure]);

  const sendIt = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const element = form.current;
    if (element === null || busy) return;
    setBusy(true);
    setFailure(null);
    try {
      await send(new FormData(element), element);
    } catch (error) {
      setFailure(failureOf(error, element));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form ref={form} class="entry-form" onSubmit={(event) => void sendIt(event)}>
      <Errors.Provider value={failure?.fields ?? {}}>{children}</Errors.Provider>
      <p class="error" role="alert">
        {failure?.message}
      </p>
      <div class="buttons">
        {onCancel !== undefined && (
          <button type="button" onClick={onCancel}>
            {t("cancel")}
          </button>
        )}
        <button type="submit" class={danger ? "danger" : "primary"} disabled={busy}>
          {submit}
        </button>
      </div>
    </form>
  );
}

/** What to show of an error, given the fields that can show their part of it. */
function failureOf(error: unknown, form: HTMLFormElement): Failure {
  if (error instanceof Unreachable) return { message: reason(error), fields: {} };
  if (error instanceof Unfilled) return { message: t("admin_check_fields"), fields: { [error.field]: error } };
  if (!(error instanceof Rejected)) throw error;
  const { code, message, fields = {} } = error.error;
  const shown = [...form.elements].map((element) => element.getAttribute("name") ?? "");
  const others = Object.entries(fields).filter(([path]) => !shown.includes(path));
  const atFields = Object.fromEntries(Object.entries(fields).filter(([path]) => shown.includes(path)));
  // Which of the rules it breaks or what is taken, only the server's text says.
  if (code === "conflict" && Object.keys(fields).length === 0) {
    return { message: `${t("admin_conflict")} \u2068${message}\u2069`, fields: {} };
  }
  if (others.length === 0 && Object.keys(atFields).length > 0) return { message: t("admin_check_fields"), fields: atFields };
  return { message: reason({ ...error.error, fields: Object.fromEntries(others) }), fields: atFields };
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
}

interface InputProps extends FieldProps {
  readonly type?: "text" | "email" | "date" | "time" | "number" | "search";
  readonly value?: string | number | undefined;
  readonly required?: boolean;
  readonly min?: string | number;
  readonly max?: string | number;
  readonly autocomplete?: string;
  readonly onInput?: (value: string) => void;
}

export function Input({ name, label, hint, value, onInput, type = "text", ...more }: InputProps) {
  const { id, attributes, below } = useField(name, hint);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...more}
        {...attributes}
        id={id}
        name={name}
        type={type}
        dir={type === "text" ? "auto" : undefined}
        defaultValue={value === undefined ? "" : String(value)}
        onInput={(event) => onInput?.(event.currentTarget.value)}
      />
      {below}
    </div>
  );
}

interface SelectProps extends FieldProps {
  readonly value?: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly required?: boolean;
  /** What stands first and means nothing. */
  readonly none?: string;
  readonly onChange?: (value: string) => void;
}

export function Select({ name, label, hint, value = "", options, required = false, none, onChange }: SelectProps) {
  const { id, attributes, below } = useField(name, hint);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select {...attributes} id={id} name={name} required={required} onChange={(event) => onChange?.(event.currentTarget.value)}>
        {none !== undefined && (
          <option value="" selected={value === ""}>
            {none}
          </option>
        )}
        {options.map(([one, text]) => (
          <option key={one} value={one} selected={one === value}>
            {text}
          </option>
        ))}
      </select>
      {below}
    </div>
  );
}

interface ChoiceProps extends Omit<FieldProps, "hint"> {
  readonly look: string;
  readonly children: ComponentChildren;
}

/** Fields that are one value together, such as checkboxes; `name` is where the server's refusals of it point to. */
export function Choice({ name, label, look, children }: ChoiceProps) {
  const { attributes, below } = useField(name, undefined);
  // A group has no `aria-invalid`.
  const { "aria-describedby": describedBy } = attributes;
  return (
    <fieldset class={look} name={name} aria-describedby={describedBy}>
      <legend>{label}</legend>
      {children}
      {below}
    </fieldset>
  );
}

/** What ties a field to its hint and its errors. */
function useField(name: string, hint: string | undefined) {
  const id = useId();
  const found = useContext(Errors)[name] ?? [];
  const errors = found instanceof Unfilled ? [found.message] : found;
  const described = [hint === undefined ? "" : `${id}-hint`, errors.length === 0 ? "" : `${id}-error`].join(" ").trim();
  const attributes: { "aria-invalid"?: "true"; "aria-describedby"?: string } = {
    ...(errors.length === 0 ? {} : { "aria-invalid": "true" }),
    ...(described === "" ? {} : { "aria-describedby": described }),
  };
  const below = (
    <>
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {errors.length > 0 && (
        <p class="error" id={`${id}-error`}>
          <bdi lang={found instanceof Unfilled ? undefined : "en"}>{errors.join(", ")}</bdi>
        </p>
      )}
    </>
  );
  return { id, attributes, below };
}

/** A text of the form, or null where the field is empty. */
export function textOf(data: FormData, name: string): string | null {
  const text = String(data.get(name) ?? "").trim();
  return text === "" ? null : text;
}
