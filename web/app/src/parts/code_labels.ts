/** The labels of codes in the language of the pages. */

import { useMemo } from "preact/hooks";

import { codeLabel, language } from "../messages";
import type { School } from "../records";

/** The school with its codes labelled in the user's language, where it has words for them; else as they are. */
export function useInLanguage(school: School): School {
  return useMemo(() => {
    const codes = school.codes.map((code) => ({ ...code, label: codeLabel(school.code_set, code.code) ?? code.label }));
    return { ...school, codes };
  }, [school, language.value]);
}
