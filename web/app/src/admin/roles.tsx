/** The roles of a user: giving and taking them. */

import type { Role } from "rollcall-client";

import { t } from "../messages";
import { act } from "./act";
import { Ask } from "./ask";
import { nameOfScope } from "./names";
import type { User } from "./records";
import { rights } from "./rights";
import { RoleFields, roleOf } from "./role_fields";
import { roleName } from "./role_names";

interface RolesProps {
  readonly user: User;
  readonly onChanged: (user: User) => void;
}

export function Roles({ user, onChanged }: RolesProps) {
  const { isAdmin } = rights.value;
  const give = async (roles: readonly Role[]): Promise<void> => {
    // The roles replace those there are, so somebody else's change must not go under.
    onChanged(await act<User>("user.set_roles", { user_id: user.id, roles }, user.seq));
  };
  return (
    <section aria-labelledby="admin-roles">
      <h2 id="admin-roles">{t("roles")}</h2>
      {user.roles.length === 0 && <p class="quiet">{t("admin_no_roles")}</p>}
      <ul class="entries">
        {user.roles.map((held) => (
          <li key={`${held.role} ${held.scope}`}>
            <div>
              <RoleWords {...held} />
              {(isAdmin || user.roles.length > 1) && (
                <Ask
                  button={t("admin_remove")}
                  of={`${roleName(held.role)} ${nameOfScope(held.scope)}`.trim()}
                  look="danger"
                  title={t("admin_remove_role_title")}
                  submit={t("admin_remove")}
                  send={() => give(user.roles.filter((one) => one !== held))}
                >
                  <p>
                    {t("admin_remove_role")} <RoleWords {...held} />
                  </p>
                </Ask>
              )}
            </div>
          </li>
        ))}
      </ul>
      <Ask
        button={t("admin_add_role")}
        title={t("admin_add_role")}
        submit={t("admin_add")}
        send={(data) => {
          const role = roleOf(data);
          return give(role === null ? user.roles : [...user.roles, role]);
        }}
      >
        <RoleFields prefix={`roles.${user.roles.length}.`} />
      </Ask>
    </section>
  );
}

export function RoleWords({ role, scope }: Role) {
  const place = nameOfScope(scope);
  return (
    <span>
      <strong>{roleName(role)}</strong>
      {place !== "" && (
        <>
          {" "}
          · <bdi>{place}</bdi>
        </>
      )}
    </span>
  );
}
