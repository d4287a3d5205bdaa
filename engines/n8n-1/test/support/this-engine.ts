// Loaded first: the tests of n8n run with the engine of this folder.
process.env['CURFEW_TEST_N8N'] = 'n8n-1';
