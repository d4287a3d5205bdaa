/*
 * The tests of the console: one process, so that they share one browser and one server. Each file registers the tests
 * of one screen.
 */
import './screens/shell.ts';
import './screens/sign-in.ts';
import './screens/size.ts';
import './screens/accounts.ts';
import './screens/audit.ts';
import './screens/keys.ts';
import './screens/named.ts';
import './screens/server.ts';
