using Berth.Contracts.Environments;
using Berth.Server.Auth;
using Berth.Server.Options;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Environments;

/// <summary>
/// The JupyterLab environment that every installation begins with. It is made once: an admin may change or delete it like
/// any other. A changed image in the options is taken over as long as no admin has chosen another.
/// </summary>
public sealed class ShippedEnvironment(Db db, LocalOwner owner, ServerOptions options, TimeProvider clock)
{
    private const string IdSetting = "jupyterlab_environment";
    private const string ImageSetting = "jupyterlab_image";

    public async Task EnsureAsync(CancellationToken ct)
    {
        var createdBy = await owner.UserIdAsync(ct);
        var environment = EnvironmentRules.Checked(
            new EnvironmentRequest(
                "JupyterLab", options.JupyterImage, "Notebooks, a terminal, Python and git in the browser.", DefaultUrl: "/lab", Port: 8888,
                Uid: 1000, Gid: 1000, MountDirectory: "/work"), EnvironmentRow.Global);
        await db.WriteAsync(async connection =>
        {
            var id = await connection.ExecuteScalarAsync<string?>("SELECT value FROM settings WHERE name = @IdSetting", new { IdSetting });
            if (id is null)
            {
                id = await EnvironmentRow.InsertAsync(connection, environment, createdBy, clock);
                await connection.ExecuteAsync(
                    "INSERT INTO settings (name, value) VALUES (@IdSetting, @id), (@ImageSetting, @JupyterImage)",
                    new { IdSetting, id, ImageSetting, options.JupyterImage });
                return;
            }

            await connection.ExecuteAsync(
                """
                UPDATE environments SET container_image = @JupyterImage
                WHERE id = @id AND container_image = (SELECT value FROM settings WHERE name = @ImageSetting)
                """, new { id, ImageSetting, options.JupyterImage });
            await connection.ExecuteAsync("UPDATE settings SET value = @JupyterImage WHERE name = @ImageSetting", new { ImageSetting, options.JupyterImage });
        }, ct);
    }
}
