// The table of contents of the server; see ARCHITECTURE.md.
var builder = WebApplication.CreateBuilder(args);
var app = builder.Build();
app.Run();
