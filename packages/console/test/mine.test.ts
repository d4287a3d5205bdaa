import './screens/accounts.ts';
import './screens/audit.ts';
import './screens/keys.ts';
import './screens/named.ts';
import './screens/server.ts';
