import * as turned from 'n8n-workflow';

export const used = turned;
