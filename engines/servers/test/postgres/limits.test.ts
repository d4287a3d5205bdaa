import { testSharedLimits } from '../../../../packages/curfew/test/support/shared-limits.ts';

testSharedLimits('postgres');
