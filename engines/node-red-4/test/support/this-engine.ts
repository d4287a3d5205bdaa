// Loaded first, so that the tests of Node-RED run with the engine in this folder.
process.env['CURFEW_TEST_NODE_RED'] = 'node-red-4';
