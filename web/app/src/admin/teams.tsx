/** The teams, and one of them with its members. */

import { useTopic } from "../live";
import { language, number, t } from "../messages";
import { act } from "./act";
import { Archive } from "./archive";
import { Ask } from "./ask";
import { Input, Select } from "./form";
import { at } from "./links";
import { byName, useAll } from "./lists";
import type { Member, Team } from "./records";
import { rights, runsTeam } from "./rights";
import { roleName } from "./role_names";

export function Teams() {
  return rights.value.isAdmin ? <LiveTeams /> : <OwnTeams />;
}

function LiveTeams() {
  const { records, status } = useTopic("org");
  const teams = records.value.filter((record) => record.kind === "team") as Team[];
  return <TeamList teams={teams} done={status.value.state === "live" || teams.length > 0} />;
}

function OwnTeams() {
  const { items, done } = useAll<Team>("/api/teams");
  return <TeamList teams={items.filter(({ id }) => runsTeam(rights.value, id))} done={done} />;
}

function TeamList({ teams, done }: { readonly teams: readonly Team[]; readonly done: boolean }) {
  const order = byName(language.value);
  const sorted = [...teams].sort((one, other) => Number(one.archived) - Number(other.archived) || order(one.name, other.name));
  return (
    <section aria-labelledby="admin-heading">
      <h1 id="admin-heading">{t("admin_teams")}</h1>
      {rights.value.isAdmin && (
        <Ask
          button={t("admin_new_team")}
          look="primary"
          title={t("admin_new_team")}
          submit={t("admin_create")}
          send={async (data) => {
            await act("team.create", { name: String(data.get("name")) });
          }}
        >
          <Input name="name" label={t("name")} required autocomplete="off" />
        </Ask>
      )}
      <p class="quiet" role="status">
        {done ? t("admin_shown", { count: number(sorted.length) }) : t("loading")}
      </p>
      <ul class="entries">
        {sorted.map((team) => (
          <li key={team.id}>
            <a href={at("team", { id: team.id })}>
              <strong>
                <bdi>{team.name}</bdi>
              </strong>
              {team.archived && <span class="flag">{t("admin_archived")}</span>}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function TeamAdmin({ id }: { readonly id: string }) {
  const { records, status } = useTopic(`team:${id}`);
  const team = records.value.find((record) => record.kind === "team" && record.id === id) as Team | undefined;
  if (status.value.state === "refused") return <p class="empty">{t("no_access")}</p>;
  if (team === undefined) return <p class="empty">{t("loading")}</p>;
  const order = byName(language.value);
  const members = (records.value.filter((record) => record.kind === "member") as Member[]).sort((one, other) => order(one.name, other.name));
  return (
    <>
      <p class="trail">
        <a href={at("teams")}>{t("admin_teams")}</a>
      </p>
      <h1 id="admin-heading">
        <bdi>{team.name}</bdi> {team.archived && <span class="flag">{t("admin_archived")}</span>}
      </h1>
      <div class="buttons start">
        {!team.archived && <AddMember team={team} />}
        <Rename team={team} />
        <a href={at("audit", { room: `team:${id}` })}>{t("admin_history")}</a>
        {rights.value.isAdmin && <Archive kind="team" record={team} />}
      </div>
      <h2>{t("admin_members")}</h2>
      <ul class="entries">
        {members.map((member) => (
          <li key={member.id}>
            <div>
              <strong>
                <bdi>{member.name}</bdi>
              </strong>
              <span class="quiet">{roleName(member.role)}</span>
              <span class="row-actions">
                <ChangeRole team={team} member={member} />
                <Remove team={team} member={member} />
              </span>
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}

const TEAM_ROLES = ["member", "lead"] as const;

function roleOptions(): [string, string][] {
  return TEAM_ROLES.map((role) => [role, roleName(role)]);
}

function AddMember({ team }: { readonly team: Team }) {
  const send = async (data: FormData): Promise<void> => {
    await act("team.add_member", { team_id: team.id, email: String(data.get("email")), role: String(data.get("role")) });
  };
  return (
    <Ask button={t("admin_add_member")} look="primary" title={t("admin_add_member")} submit={t("admin_add")} send={send}>
      <Input name="email" type="email" label={t("email")} hint={t("admin_member_hint")} required autocomplete="off" />
      <Select name="role" label={t("admin_role")} required value="member" options={roleOptions()} />
    </Ask>
  );
}

function ChangeRole({ team, member }: { readonly team: Team; readonly member: Member }) {
  const send = async (data: FormData): Promise<void> => {
    await act("team.add_member", { team_id: team.id, user_id: member.user_id, role: String(data.get("role")) });
  };
  if (team.archived) return null;
  return (
    <Ask button={t("admin_change_role")} of={member.name} title={t("admin_change_role")} submit={t("admin_save")} send={send}>
      <p>
        <bdi>{member.name}</bdi>
      </p>
      <Select name="role" label={t("admin_role")} required value={member.role} options={roleOptions()} />
    </Ask>
  );
}

function Remove({ team, member }: { readonly team: Team; readonly member: Member }) {
  const send = async (): Promise<void> => {
    await act("team.remove_member", { team_id: team.id, user_id: member.user_id });
  };
  return (
    <Ask button={t("admin_remove")} of={member.name} look="danger" title={t("admin_remove_member_title")} submit={t("admin_remove")} send={send}>
      <p>
        <bdi>{member.name}</bdi>
      </p>
      <p>{t("admin_remove_member_text")}</p>
    </Ask>
  );
}

function Rename({ team }: { readonly team: Team }) {
  const send = async (data: FormData): Promise<void> => {
    await act("team.update", { team_id: team.id, set: { name: String(data.get("set.name")) } });
  };
  return (
    <Ask button={t("admin_rename")} title={t("admin_rename")} submit={t("admin_save")} send={send}>
      <Input name="set.name" label={t("name")} value={team.name} required autocomplete="off" />
    </Ask>
  );
}
