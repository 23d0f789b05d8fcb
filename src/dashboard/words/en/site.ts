export const time = {
  justNow: "just now",
};

export const layout = {
  pages: "Pages",
  zone: (zone: string) => `Times are in ${zone}`,
  language: "Language",
  suspended:
    "Your company is suspended: its keys are refused everywhere, and it can create none. Ask whoever runs this service.",
  suspendedFor: (reason: string) => `The reason they give: ${reason}`,
  signOut: "Sign out",
  skip: "Skip to content",
};

export const navigation = {
  keys: "API keys",
  events: "Audit log",
  companies: "Companies",
  findKey: "Find a key",
  status: "Status",
};

export const sites = {
  front: {
    home: "Start",
    heading: "API keys",
    description: "Where to manage API keys, and how to use the API",
  },
  company: {
    home: "All keys",
    heading: "Your company’s API keys",
    description: "API keys of your company",
  },
  operator: {
    home: "All companies",
    heading: "API keys of all companies",
    description: "For whoever runs this service",
  },
};

/** At `/`. */
export const front = {
  title: "API keys",
  what: "This service keeps API keys: companies make and end them here, and APIs ask it which are good.",
  places: {
    dashboard: { name: "Dashboard", what: "Create and end the keys of your company" },
    operator: { name: "Operator’s dashboard", what: "For whoever runs this service" },
    docs: { name: "API reference", what: "Everything that programs can ask" },
    openapi: { name: "OpenAPI document", what: "The same for programs that make clients" },
    discovery: { name: "Authorization metadata", what: "Where access tokens come from (RFC 9728)" },
    security: { name: "Security contact", what: "Whom to tell of a fault (RFC 9116)" },
  },
};
