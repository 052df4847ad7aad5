namespace Berth.Server.Storage;

public static class StorageRoom
{
    public static IServiceCollection AddStorage(this IServiceCollection services) =>
        services.AddSingleton<Replica>().AddSingleton<Db>().AddSingleton<Migrator>().AddSingleton<Backups>()
            .AddSingleton<ReplicaChannel>().AddHostedService(s => s.GetRequiredService<ReplicaChannel>());
}
