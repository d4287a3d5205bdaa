// Loaded first: the tests of Node-RED run with the engine of this folder.
process.env['CURFEW_TEST_NODE_RED'] = 'node-red-4';
