// Loads a folder as `auth0-deploy-cli import` does, holds it against the tool's own schema, and prints what it has read.
// Nothing is sent anywhere: there is no tenant.
//
//   node load.cjs INSTALLED FOLDER PARAMETERS
//
// INSTALLED is where the tool is, PARAMETERS are the environment as JSON.
const { createRequire } = require('node:module');
const path = require('node:path');

const [installed, folder, parameters] = process.argv.slice(2);
const tool = createRequire(path.join(installed, 'package.json'));
const Directory = tool('auth0-deploy-cli/lib/context/directory').default;
const Auth0 = tool('auth0-deploy-cli/lib/tools/auth0').default;
const logger = tool('auth0-deploy-cli/lib/logger').default;

async function load() {
  // The tool only warns of what it leaves out. Here that is an error.
  const warnings = [];
  logger.silent = true;
  logger.warn = (warning) => warnings.push(warning);

  const config = {
    AUTH0_INPUT_FILE: folder,
    AUTH0_KEYWORD_REPLACE_MAPPINGS: JSON.parse(parameters),
  };
  const directory = new Directory(config, {});
  await directory.loadAssetsFromLocal();
  // The tool asks for the rules of the tenant while it checks. There are none.
  const tenant = { rules: { list: async () => ({ data: [], hasNextPage: () => false }) } };
  const auth0 = new Auth0(tenant, directory.assets, (name) => config[name]);
  await auth0.validate();
  if (warnings.length > 0) {
    throw new Error(warnings.join('\n'));
  }
  const read = Object.entries(auth0.assets).filter(([name, asset]) => asset && name !== 'exclude' && name !== 'include');
  process.stdout.write(JSON.stringify(Object.fromEntries(read)));
}

load().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
