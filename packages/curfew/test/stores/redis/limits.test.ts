import { redisInstalled } from '../../support/redis.ts';
import { testSharedLimits } from '../../support/shared-limits.ts';

testSharedLimits('redis', { skip: !redisInstalled });
