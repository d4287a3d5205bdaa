import { testRevoked } from '../../../../packages/curfew/test/support/revoked-tests.ts';

testRevoked('postgres');
