namespace Berth.Server.Storage;

public static class BackupApi
{
    public static IEndpointRouteBuilder MapBackup(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/berth/backup", TakeAsync).WithTags("server").WithSummary("The database as one file (SQLite only), for who runs the server")
            .Produces(StatusCodes.Status200OK, contentType: "application/vnd.sqlite3");
        return routes;
    }

    private static async Task<IResult> TakeAsync(Backups backups, CancellationToken ct) =>
        TypedResults.Stream(await backups.TakeAsync(ct), "application/vnd.sqlite3");
}
