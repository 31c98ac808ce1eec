/** Taking something out of use, and back: its records stay. */

import type { StoredRecord } from "rollcall-client";

import { t } from "../messages";
import { act } from "./act";
import { Ask } from "./ask";

interface ArchiveProps {
  readonly kind: "school" | "class" | "student" | "team";
  readonly record: StoredRecord;
  /** What the record is called, where it has no `name`. */
  readonly name?: string;
}

export function Archive({ kind, record, name = String(record["name"]) }: ArchiveProps) {
  const isArchived = record["archived"] === true;
  const button = t(isArchived ? "admin_unarchive" : "admin_archive");
  return (
    <Ask
      button={button}
      of={name}
      look={isArchived ? "plain" : "danger"}
      title={t(isArchived ? "admin_unarchive_title" : "admin_archive_title")}
      submit={button}
      send={async () => {
        await act(`${kind}.${isArchived ? "unarchive" : "archive"}`, { [`${kind}_id`]: record.id });
      }}
    >
      <p>
        <bdi>{name}</bdi>
      </p>
      <p>{t(isArchived ? "admin_unarchive_text" : "admin_archive_text")}</p>
    </Ask>
  );
}
