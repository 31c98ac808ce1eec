/** Who else has the class open. */

import { useEffect, useState } from "preact/hooks";
import type { Present } from "rollcall-client";

import { client } from "../live";
import { t } from "../messages";
import { user } from "../session";

/** More people than this are counted, not named. */
const CROWD = 6;

/** The most seconds, by chance, until a crowd is asked for again, so that not everybody asks at once. */
const PAUSE = 10;

interface Here {
  readonly count: number;
  readonly users: readonly Present[];
}

/** `isLive`: the topic is subscribed to, so that who comes and goes is told. */
export function OnTheSheet({ topic, isLive }: { readonly topic: string; readonly isLive: boolean }) {
  const { count, users } = useHere(topic, isLive);
  const others = users.filter(({ id }) => id !== user.value?.id);
  if (!isLive || (others.length === 0 && count <= 1)) return null;
  if (count > CROWD + 1) return <p>{t("reg_crowd", { count: count - 1 })}</p>;
  return (
    <p>
      {t("reg_here")}{" "}
      {others.map(({ id, name }, n) => (
        <span key={id}>
          {n > 0 && ", "}
          <bdi>{name}</bdi>
        </span>
      ))}
    </p>
  );
}

function useHere(topic: string, isLive: boolean): Here {
  const [here, setHere] = useState<Here>({ count: 0, users: [] });
  const now = client.value;
  useEffect(() => {
    if (now === null || !isLive) return undefined;
    let timer: number | undefined;
    let isWanted = true;
    const ask = (): void => {
      timer = undefined;
      now.call<Here>("presence", { topic }).then(
        (found) => {
          if (!isWanted) return;
          setHere({ count: found.count, users: found.users });
        },
        // The next connection asks again.
        () => undefined,
      );
    };
    const remove = now.onPresence(({ topic: about, joined, left, count }) => {
      if (about !== topic) return;
      if (count === undefined) setHere((before) => changed(before, joined, left));
      else {
        setHere((before) => ({ ...before, count }));
        timer ??= window.setTimeout(ask, Math.random() * PAUSE * 1000);
      }
    });
    ask();
    return () => {
      isWanted = false;
      clearTimeout(timer);
      remove();
    };
  }, [now, topic, isLive]);
  return here;
}

function changed({ count, users }: Here, joined: Present | undefined, left: Present | undefined): Here {
  const gone = left?.id ?? joined?.id;
  const others = users.filter(({ id }) => id !== gone);
  const wasHere = others.length < users.length;
  if (joined !== undefined) return { count: wasHere ? count : count + 1, users: [...others, joined] };
  return { count: wasHere ? count - 1 : count, users: others };
}
