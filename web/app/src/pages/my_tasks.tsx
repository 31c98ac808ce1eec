/** `/tasks`: the user's own tasks in all teams. */

import { MyTasks } from "../tasks/my_list";
import "../tasks/tasks.css";

export default function MyTasksPage() {
  return <MyTasks />;
}
