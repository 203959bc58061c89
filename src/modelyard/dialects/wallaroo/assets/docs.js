// Shows the server's own description. Addresses are relative, so that the page works behind any prefix and offline.
window.addEventListener("DOMContentLoaded", () => {
  const ui = SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#docs",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
  ui.initOAuth({ clientId: "sdk-client" });
});
