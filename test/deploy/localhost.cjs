// Names of APIs on this machine end in .localhost, which curl knows and not every system's resolver does.
const dns = require('node:dns');

const { lookup } = dns;
dns.lookup = (name, options, callback) => lookup(/\.localhost$/.test(name) ? 'localhost' : name, options, callback);
