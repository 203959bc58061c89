// Keycloak's own admin client keeps a user, groups, a role and a client: node tour.mjs URL USERNAME PASSWORD
//
// Writes what it saw as one line of JSON. What it made is removed again.
import { randomUUID } from 'node:crypto'

import KeycloakAdminClient from '@keycloak/keycloak-admin-client'

const [url, username, password] = process.argv.slice(2)
const keycloak = new KeycloakAdminClient({ baseUrl: `${url}/auth`, realmName: 'master' })
await keycloak.auth({ username, password, grantType: 'password', clientId: 'admin-cli' })
const { users, groups, roles, clients, realms } = keycloak
const name = `js-${randomUUID().slice(0, 8)}`
const seen = {}

const { id } = await users.create({ username: name, credentials: [{ type: 'password', value: 'a long password' }] })
await users.update({ id }, { firstName: 'Ada' })
seen.user = (await users.findOne({ id })).firstName
seen.found = (await users.find({ username: name, exact: true })).map(user => user.id === id)
seen.nobody = await users.findOne({ id: randomUUID() })
await users.resetPassword({ id, credential: { type: 'password', value: 'another one 17', temporary: false } })
seen.credentials = (await users.getCredentials({ id })).length

const group = await groups.create({ name })
const child = await groups.createChildGroup({ id: group.id }, { name: 'child' })
await users.addToGroup({ id, groupId: child.id })
seen.paths = (await users.listGroups({ id })).map(each => each.path.replace(name, '*'))
seen.members = (await groups.listMembers({ id: child.id })).map(user => user.id === id)
seen.children = (await groups.listSubGroups({ parentId: group.id })).map(each => each.name)

await roles.create({ name })
const role = await roles.findOneByName({ name })
await users.addRealmRoleMappings({ id, roles: [role] })
seen.roles = (await users.listRealmRoleMappings({ id })).map(each => each.name.replace(name, '*'))
seen.composites = (await roles.getCompositeRolesForRealm({ id: 'admin' })).map(each => each.name)
await users.delRealmRoleMappings({ id, roles: [role] })
seen.rolesAfter = (await users.listRealmRoleMappings({ id })).map(each => each.name)

const client = await clients.create({ clientId: name, serviceAccountsEnabled: true })
seen.secret = typeof (await clients.generateNewClientSecret({ id: client.id })).value
seen.account = (await clients.getServiceAccountUser({ id: client.id })).username === `service-account-${name}`
seen.sessions = (await clients.listSessions({ id: 'admin-cli' })).length > 0
await users.logout({ id })
seen.keys = (await realms.getKeys({ realm: 'master' })).keys.length

await clients.del({ id: client.id })
await roles.delByName({ name })
await groups.del({ id: group.id })
await users.del({ id })
seen.left = [await users.findOne({ id }), await groups.findOne({ id: group.id })]
console.log(JSON.stringify(seen))
