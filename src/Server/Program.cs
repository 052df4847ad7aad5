// The table of contents of the server is BerthServer; see ARCHITECTURE.md.
return await Berth.Server.BerthServer.RunAsync(args);
