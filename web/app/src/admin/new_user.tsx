/** Making an account, whose first password is shown once. */

import { useRef, useState } from "preact/hooks";

import { t } from "../messages";
import { Dialog } from "../parts/dialog";
import { act, newPassword } from "./act";
import { Form, Input } from "./form";
import type { User } from "./records";
import { rights } from "./rights";
import { roleOf, RoleFields } from "./role_fields";

interface NewUserProps {
  readonly onMade: (user: User) => void;
}

interface Made {
  readonly user: User;
  readonly password: string;
}

export function NewUser({ onMade }: NewUserProps) {
  const [open, setOpen] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const close = (): void => {
    setOpen(false);
    setMade(null);
  };
  return (
    <>
      <button type="button" class="primary" onClick={() => setOpen(true)}>
        {t("admin_new_user")}
      </button>
      {open && (
        <Dialog title={t(made === null ? "admin_new_user" : "admin_user_made")} onClose={close}>
          {made === null ? (
            <Details
              onMade={(one) => {
                setMade(one);
                onMade(one.user);
              }}
            />
          ) : (
            <FirstPassword {...made} />
          )}
        </Dialog>
      )}
    </>
  );
}

function Details({ onMade }: { readonly onMade: (made: Made) => void }) {
  // The same as long as the form is open: where the answer was lost, the same is sent again.
  const password = useRef(newPassword()).current;
  const { isAdmin } = rights.value;
  const send = async (data: FormData): Promise<void> => {
    const role = roleOf(data);
    const user = await act<User>("user.create", {
      name: String(data.get("name")),
      email: String(data.get("email")),
      password,
      roles: role === null ? [] : [role],
    });
    onMade({ user, password });
  };
  return (
    <Form send={send} submit={t("admin_create")} onCancel={closeDialog}>
      <Input name="name" label={t("name")} required autocomplete="off" />
      <Input name="email" type="email" label={t("email")} required autocomplete="off" />
      <RoleFields prefix="roles.0." optional={isAdmin} />
      <p class="hint">{t("admin_password_hint")}</p>
    </Form>
  );
}

function FirstPassword({ user, password }: Made) {
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(password);
      setCopied(true);
    } catch {
      // Without https there is no clipboard: it is marked, to be copied by hand.
      field.current?.select();
    }
  };
  return (
    <>
      <p>
        <bdi>{user.name}</bdi> · <bdi>{user.email}</bdi>
      </p>
      <div class="field">
        <label for="first-password">{t("admin_first_password")}</label>
        <input ref={field} id="first-password" class="password" readOnly value={password} dir="ltr" autofocus />
      </div>
      <p class="hint">{t("admin_password_once")}</p>
      <p role="status">{copied ? t("admin_copied") : ""}</p>
      <div class="buttons">
        <button type="button" onClick={closeDialog}>
          {t("close")}
        </button>
        <button type="button" class="primary" onClick={() => void copy()}>
          {t("admin_copy")}
        </button>
      </div>
    </>
  );
}

/** Closed so, and not taken away, the dialog gives the focus back. */
function closeDialog(): void {
  document.querySelector<HTMLDialogElement>("dialog[open]")?.close();
}
