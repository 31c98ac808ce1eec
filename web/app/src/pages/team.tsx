/** `/teams/{id}`: a team's tasks. */

import { useRoute } from "preact-iso";

import { TeamTasks } from "../tasks/team_tasks";
import "../tasks/tasks.css";

export default function TeamPage() {
  const id = useRoute().params["id"] ?? "";
  return <TeamTasks key={id} id={id} />;
}
