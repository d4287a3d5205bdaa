import * as turned from '../../stores/contract.ts';

export const used = turned;
