/*
 * The tests of the console: one process, so that they share one browser and one server. Each file registers the tests
 * of one screen.
 */
import './screens/applications.ts';
import './screens/devices.ts';
import './screens/faults.ts';
import './screens/overview.ts';
import './screens/session.ts';
import './screens/sessions.ts';
import './screens/shell.ts';
import './screens/sign-in.ts';
import './screens/size.ts';
import './screens/accounts.ts';
import './screens/audit.ts';
import './screens/keys.ts';
import './screens/named.ts';
import './screens/server.ts';
import './screens/tasks.ts';
import './screens/user.ts';
