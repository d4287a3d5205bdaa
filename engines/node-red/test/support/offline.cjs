// The validator asks two lists on the net: of all packages, for similar names, and of Node-RED's versions. Here it is
// answered from this machine: no other package, and the version that is installed.
const axios = require(require.resolve('axios', { paths: [require.resolve('node-red-dev/package.json')] }));
const { version, engines } = require('node-red/package.json');

axios.get = async (url) => ({
  data: url.endsWith('catalogue.json')
    ? { modules: [] }
    : { 'dist-tags': { latest: version }, versions: { [version]: { engines } } },
});
