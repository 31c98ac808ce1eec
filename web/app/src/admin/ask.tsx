/** Dialogs with a form: for what is to be filled in, and before what cannot be overlooked. */

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";

import { Dialog } from "../parts/dialog";
import { Form } from "./form";

interface AskProps {
  /** What the button that opens it says. */
  readonly button: string;
  /** The name of what the button is about, for who hears the button alone. */
  readonly of?: string;
  readonly look?: "plain" | "danger" | "primary";
  readonly title: string;
  readonly submit: string;
  readonly send: (data: FormData, form: HTMLFormElement) => Promise<void>;
  readonly children: ComponentChildren;
}

/** A button that asks in a dialog before anything is sent. The dialog closes once that has succeeded. */
export function Ask({ button, of, look, title, submit, send, children }: AskProps) {
  const [open, setOpen] = useState(false);
  const inside = useRef<HTMLDivElement>(null);
  // Closed by itself the dialog gives the focus back; taken away it would not.
  const close = (): void => {
    const dialog = inside.current?.closest("dialog");
    if (dialog?.open) dialog.close();
    else setOpen(false);
  };
  return (
    <>
      <button type="button" class={look} aria-label={of === undefined ? undefined : `${button}: ${of}`} onClick={() => setOpen(true)}>
        {button}
      </button>
      {open && (
        <Dialog title={title} onClose={() => setOpen(false)}>
          <div ref={inside}>
            <Form
              submit={submit}
              danger={look === "danger"}
              onCancel={close}
              send={async (data, form) => {
                await send(data, form);
                close();
              }}
            >
              {children}
            </Form>
          </div>
        </Dialog>
      )}
    </>
  );
}
