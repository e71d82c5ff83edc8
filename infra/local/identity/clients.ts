/** Clients of the local OpenID provider that are there from the beginning: the demo's web shop and its mobile app. */
export const demoClients = { web: 'counterfoil-demo-web', mobile: 'counterfoil-demo-mobile' };
