// Loaded first, so that the tests of n8n run with the engine in this folder.
process.env['CURFEW_TEST_N8N'] = 'n8n-1';
